"""Run by training/test_strategy.py in a process of its own: pretrains on several CPU devices.

    python run_strategies.py DEVICES STRATEGY=OUTPUT ... -- FLAGS

Logical devices can only be made before TensorFlow does anything else.
"""

import sys

import tensorflow as tf

from keras_bert.commands.main import main

split = sys.argv.index("--")
cpu = tf.config.list_physical_devices("CPU")[0]
devices = [tf.config.LogicalDeviceConfiguration()] * int(sys.argv[1])
tf.config.set_logical_device_configuration(cpu, devices)
for pair in sys.argv[2:split]:
    strategy, micro_batches, output = pair.split("=")
    status = main(
        [
            "pretrain",
            f"--strategy={strategy}",
            f"--micro_batches={micro_batches}",
            f"--output={output}",
            *sys.argv[split + 1 :],
        ]
    )
    if status:
        sys.exit(status)
