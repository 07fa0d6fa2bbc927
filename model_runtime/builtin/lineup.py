"""What the line-up says of each built-in model: a line, what it reads, texts that show it.

Knows words for people only; sizes and scores are measured and stand in facts.json.
"""

from typing import Any

ENGLISH = (
    "The cat is sleeping on the bed.",
    "I met him at the station yesterday.",
    "The book that I bought yesterday is very interesting.",
    "What time does the train leave?",
    "There are two dogs in the garden.",
    "I have never been to Japan.",
    "The boy ate the apple because he was hungry.",
    "If it rains tomorrow, I will stay at home.",
    "The letter was written in English.",
    "The children are playing in the park.",
)

LINEUP: dict[str, dict[str, Any]] = {
    "translator": {
        "reads": "English",
        "summary": {
            "en": "English → Chinese: words find their counterparts",
            "zh": "英译中：词语找到与之对应的词",
        },
        "examples": ENGLISH,
        "opens_at": {"stack": "cross", "layer": 2, "head": 0},
    },
    "zh-en": {
        "reads": "Chinese",
        "summary": {
            "en": "Chinese → English: the same the other way",
            "zh": "中译英：方向相反的翻译",
        },
        "examples": (
            "猫在床上睡觉。",
            "我昨天在车站遇见了他。",
            "我不知道他为什么没来。",
            "火车几点出发？",
            "花园里有两只狗。",
            "我从来没去过日本。",
            "男孩吃了苹果，因为他饿了。",
            "如果明天下雨，我就待在家里。",
            "这封信是用英语写的。",
            "孩子们在公园里玩。",
        ),
        "opens_at": {"stack": "cross", "layer": 2, "head": 2},
    },
    "writer": {
        "reads": "English",
        "summary": {
            "en": "writes on, one token after the other, as GPT does",
            "zh": "像 GPT 那样，一个词元接一个词元地往下写",
        },
        "examples": (
            "Once upon a time there was",
            "The cat is sleeping on the bed.",
            "She opened the door and",
            "I have never been to",
            "What time does the",
            "The old man said to the boy,",
            "If it rains tomorrow, I will",
            "There are two dogs in the garden.",
        ),
        "opens_at": {"stack": "decoder", "layer": 0, "head": 0},
    },
    "blanks": {
        "reads": "English",
        "summary": {
            "en": "fills [MASK] from both sides, as BERT does",
            "zh": "像 BERT 那样，根据左右两边填写 [MASK]",
        },
        "examples": (
            "The cat is [MASK] on the bed.",
            "I met him at the [MASK] yesterday.",
            "What [MASK] does the train leave?",
            "There are two [MASK] in the garden.",
            "The boy ate the [MASK] because he was hungry.",
            "I want to [MASK] a book.",
            "She [MASK] the door and went out.",
            "The cat is sleeping on the bed.",
        ),
        "opens_at": {"stack": "encoder", "layer": 0, "head": 0},
    },
    "dates": {
        "reads": "dates",
        "summary": {
            "en": "eleven ways to write a date → 2024-03-05: copies in blocks",
            "zh": "十一种日期写法 → 2024-03-05：成块地复制与换位",
        },
        "examples": (
            "March 5, 2024",
            "5 March 2024",
            "2024年3月5日",
            "Tuesday, March 5, 2024",
            "05-MAR-2024",
            "3/5/2024",
            "5.3.2024",
            "24 Dec 1999",
        ),
        "opens_at": {"stack": "cross", "layer": 0, "head": 1},
    },
    "reversal": {
        "reads": "letters",
        "summary": {
            "en": "writes a word backwards: an anti-diagonal",
            "zh": "把单词倒过来写：一条反对角线",
        },
        "examples": ("attention", "headlight", "stressed", "cat", "abcdefghijkl", "level"),
        "opens_at": {"stack": "cross", "layer": 0, "head": 3},
    },
    "addition": {
        "reads": "sums",
        "summary": {
            "en": "adds three-digit numbers, ones first: 123+456 → 9750",
            "zh": "三位数加法，个位在前：123+456 → 9750",
        },
        "examples": ("123+456", "275+318", "999+001", "048+952", "500+500", "707+070"),
        "opens_at": {"stack": "encoder", "layer": 0, "head": 2},
    },
    "induction": {
        "reads": "repeats",
        "summary": {
            "en": "copies what followed before: an induction head",
            "zh": "照抄上次后面跟着的字母：归纳头",
        },
        "examples": (
            "qwertyuiopqwerty",
            "projectprojec",
            "abcxyzabcxyzab",
            "kxqwplkxqzmbwp",
            "thequickfoxthequi",
        ),
        "opens_at": {"stack": "decoder", "layer": 1, "head": 0},
    },
    "positions": {
        "reads": "letters",
        "summary": {
            "en": "which letter stood before? Five ways to know a position",
            "zh": "前一个字母是什么？五种表示位置的方法",
        },
        "examples": ("headlight", "attention", "aabbaabb", "abcdefghijklmnopqrst", "cat"),
        "opens_at": {"stack": "encoder", "layer": 0, "head": 0},
    },
}
