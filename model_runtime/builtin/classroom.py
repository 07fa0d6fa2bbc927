"""Which sentences no model of ours may learn: the classroom filter, a list of words.

Knows words only; `corpus.py` applies it to the training data.
"""

import re

# A sentence is left out if it matches. Stems, so that "kill"
# also drops "killed"; \b keeps "Sussex" and "skill". Neutral words for who people are
# (faiths, orientations, nations) stay in.
UNFIT_ENGLISH = re.compile(
    r"\b(sex(?!tant)|rap(e|ed|ist)\b|kill|murder|suicid|whore|slut|bitch|prostitut|brothel|fuck|"
    r"shit|bastard|asshole|arse|damn|naked|nude|porn|virgin|condom|penis|vagina|breast|boob|"
    r"erotic|orgasm|masturbat|undress|make love|making love|made love|slept with|sleep with me|"
    r"hitler|nazi|terroris|stab|strangl|behead|tortur|corpse|slaughter|massacre|execut(ed|ion)|"
    r"(hang|hanged|hung) (him|her|my|your)self|idiot|moron|retard|cocaine|heroin|marijuana|"
    r"gunshot|shot (him|her|me|you|tom|dead)|shoot (him|her|me|you|tom)|go to hell|"
    r"bloody|pee\b|poop|fart|lust)",
    re.IGNORECASE,
)
UNFIT_CHINESE = re.compile(
    "婊|他妈的|妈的|操你|我操|强奸|性交|性爱|性感|做爱|妓|嫖|屄|鸡巴|阴茎|阴道|裸体|色情|淫|"
    "自杀|杀死|杀了|杀人|谋杀|杀害|杀手|尸体|傻逼|白痴|混蛋|王八|狗屎|放屁|有屁|拉屎|毒品|海洛因|"
    "纳粹|希特勒|恐怖分子|恐怖主义"
)


def fit_for_class(*sentences: str) -> bool:
    """True unless one of the sentences speaks of sex, violence or drugs or swears, by the
    lists above. Takes English and Chinese alike."""
    return not any(UNFIT_ENGLISH.search(s) or UNFIT_CHINESE.search(s) for s in sentences)
