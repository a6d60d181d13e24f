"""The model card: it says what is known, and no more."""

from task_models import make_bert

from keras_bert.card import command_line, model_card, seeds_table


def sections(card):
    return [line.removeprefix("## ") for line in card.splitlines() if line.startswith("## ")]


def test_a_card_of_a_model_of_which_nothing_is_known():
    bert = make_bert("tagging")
    card = model_card(bert)
    assert card.startswith("# Tagger: O, B-PER, I-PER, B-LOC, I-LOC\n\n")
    assert f"A BERT of 1 layers, 32 wide, {bert.model.count_params():,} parameters." in card
    assert sections(card) == ["Use", "Licence"]
    assert "Sentences of more than 48 tokens are split and rejoined." in card
    assert card.endswith("## Licence\n\nNot set.\n")


def test_a_card_of_a_model_of_which_all_is_known():
    card = model_card(
        make_bert("regression"),
        how="fine-tuned",
        data=["Trained on a.csv.", "Scored on b.csv."],
        score_lines=["pearson 0.5000"],
        selection="The best of 3.",
        scores=seeds_table({"pearson": 0.4}, {"pearson": 0.1}, 7),
        command=command_line("finetune", {"train": "/home/me/a.csv", "epochs": 3}, ("train",)),
        base="/home/me/bert/",
    )
    assert sections(card) == ["Use", "Data", "Scores", "Command", "Licence"]
    assert " parameters, fine-tuned.\n" in card
    assert "- Trained on a.csv.\n- Scored on b.csv.\n" in card
    assert "```\npearson 0.5000\n```\n\nThe best of 3.\n\nThis is the best of several" in card
    assert "with seed 7" in card
    assert "| pearson | 0.4000 | 0.1000 |" in card
    assert "\n    keras-bert finetune --epochs=3 --train=a.csv\n" in card
    assert "derive from `bert` and from the data above: their licences apply." in card
    assert "/home" not in card


def test_a_command_line_can_be_given_to_a_shell():
    settings = {"pack": True, "lower_case": False, "labels": ["a", "b c"], "layers": [1, -1]}
    wanted = "keras-bert x --labels='a,b c' --layers=1,-1 --nolower_case --pack"
    assert command_line("x", settings) == wanted
