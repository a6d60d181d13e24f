"""Passages that are hard to cut into tokens and to slice again."""

NASTY = [
    "Zoë’s naïve café\tcosts  10 €,  twice…",
    "e\u0301te\u0301 (e\u0301\u0301\u0301) n\u0303andu\u0301  \u00a0 A\u030a",
    "👍👍🏽 family 👨‍👩‍👧‍👦 of four 🏴󠁧󠁢󠁥󠁮󠁧󠁿!",
    "北京是中国的首都。Peking has 21,893,095 people;上海\u3000more.",
    "İstanbul STRASSE straße ﬁne ﬂow ΣΟΦΟΣ ᾳ",
    "a\u200bb\u200c\u200d c\ufeffd\x00e\x07f \ud7a3한국어",
    " \t\n leading and trailing \r\n ",
    "[CLS] [SEP] ##ing [MASK] [UNK] [PAD]",
    "ก็ไม่รู้ हिन्दी العَرَبِيَّة עִבְרִית",
    "x" * 300 + " " + "y" * 90,
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠀀𠀁 ½ ² Ⅷ",
    "one",
]
EMPTY = ["\u200b\u200c", "\x07", "\ufffd\ufffd"]  # texts, but nothing of them becomes a token
