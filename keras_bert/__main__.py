"""`python -m keras_bert VERB` is the program `keras-bert VERB`."""

import sys

from keras_bert.commands.main import main

sys.exit(main())
