"""A whole Transformer once more, in plain numpy and 64 bits, by the paper's formulas.

Takes weights and ids and gives every number on the way. Shares no code with Headlight.
"""

import math

import numpy as np

erf = np.vectorize(math.erf)


class Reference:
    """What every step should give: `whole(section, name, layer, head)` [row, column], unfolded."""

    def __init__(self, config, weights, source_ids, target_ids):
        self.config = config
        self.w = {name: np.asarray(value, dtype=np.float64) for name, value in weights.items()}
        self.values = {}
        memory = None
        if config.topology != "decoder":
            x = memory = self.stack("encoder", source_ids, None)
        if config.topology != "encoder":
            x = self.stack("decoder", target_ids, memory)
        logits = x @ self.w["unembedding.weight"].T
        last = "encoder" if config.topology == "encoder" else "decoder"
        self.keep(last, "unembed", logits)
        self.keep(last, "probabilities", softmax(logits))

    def whole(self, section, name, layer, head):
        """The result of a step; of a head where heads differ."""
        for key in (
            (section, name, layer, head),
            (section, name, layer, None),
            (section, name, None, None),
        ):
            if key in self.values:
                return self.values[key]
        raise KeyError((section, name))

    def keep(self, section, name, value, layer=None, head=None):
        self.values[section, name, layer, head] = value
        return value

    def stack(self, owner, ids, memory):
        c, w = self.config, self.w
        self.keep(owner, "ids", np.array(ids, dtype=float)[:, None])
        x = w[f"{owner}.embedding.weight"][list(ids)] * math.sqrt(c.d_model)
        self.keep(owner, "embedding", x)
        if c.positions in ("sinusoidal", "learned"):
            if c.positions == "learned":
                table = w[f"{owner}.position_table"][: len(ids)]
            else:
                table = sinusoids(len(ids), c.d_model)
            x = self.keep(owner, "positions", x + table)
        causal = np.tril(np.ones((len(ids), len(ids)), dtype=bool)) if owner == "decoder" else None
        for layer in range(c.n_layers):
            self.keep(owner, "resid", x, layer)
            x = self.attend(owner, "attn", owner, layer, x, None, causal)
            if owner == "decoder" and memory is not None:
                x = self.attend("cross", "cross", owner, layer, x, memory, None)
            x = self.keep(owner, "next", self.feed(owner, layer, x), layer)
        if c.norm == "pre":
            x = self.norm(x, f"{owner}.final_norm")
            self.keep(owner, "final_norm", x)
        return x

    def attend(self, section, module, owner, layer, x, memory, mask):
        c, d = self.config, self.config.d_model // self.config.n_heads
        place = f"{owner}.layers.{layer}.{module}"
        pre = c.norm == "pre"
        read = self.norm(x, f"{place}_residual.norm") if pre else x
        asked = read if memory is None else memory
        q, k, v = (
            self.keep(section, f"{letter}_all", y @ self.w[f"{place}.w_{letter}.weight"].T, layer)
            for letter, y in (("q", read), ("k", asked), ("v", asked))
        )
        z = []
        for head in range(c.n_heads):
            columns = slice(head * d, head * d + d)
            mine = {"q": q[:, columns], "k": k[:, columns]}
            self.keep(section, "split", mine["q"], layer, head)
            if c.positions == "rotary" and memory is None:
                for letter in "qk":
                    mine[letter] = turned(mine[letter])
                    self.keep(section, f"rotate_{letter}", mine[letter], layer, head)
            s = self.keep(section, "dot", mine["q"] @ mine["k"].T, layer, head)
            s = self.keep(section, "scale", s / math.sqrt(d), layer, head)
            if c.positions == "alibi" and memory is None:
                i, j = np.indices(s.shape)
                slope = 2.0 ** (-8 * (head + 1) / c.n_heads)
                s = self.keep(section, "bias", s - slope * abs(i - j), layer, head)
            if mask is not None:
                s = self.keep(section, "mask", np.where(mask, s, -np.inf), layer, head)
            pattern = self.keep(section, "softmax", softmax(s), layer, head)
            z.append(self.keep(section, "weigh", pattern @ v[:, columns], layer, head))
        side_by_side = self.keep(section, "heads", np.hstack(z), layer)
        out = self.keep(section, "out", side_by_side @ self.w[f"{place}.w_o.weight"].T, layer)
        x = self.keep(section, "add_attn", x + out, layer)
        if pre:
            self.keep(section, "norm", read, layer)
            return x
        return self.keep(section, "norm", self.norm(x, f"{place}_residual.norm"), layer)

    def feed(self, owner, layer, x):
        place = f"{owner}.layers.{layer}.ffn"
        pre = self.config.norm == "pre"
        read = self.norm(x, f"{place}_residual.norm") if pre else x
        h = read @ self.w[f"{place}.w_in.weight"].T + self.w[f"{place}.w_in.bias"]
        self.keep(owner, "ffn_in", h, layer)
        if self.config.activation == "relu":
            a = np.where(h > 0, h, 0.0)
        else:
            a = h * (1 + erf(h / math.sqrt(2))) / 2
        self.keep(owner, "activation", a, layer)
        f = a @ self.w[f"{place}.w_out.weight"].T + self.w[f"{place}.w_out.bias"]
        self.keep(owner, "ffn_out", f, layer)
        x = self.keep(owner, "add_ffn", x + f, layer)
        if pre:
            self.keep(owner, "ffn_norm", read, layer)
            return x
        return self.keep(owner, "ffn_norm", self.norm(x, f"{place}_residual.norm"), layer)

    def norm(self, x, name):
        mean = x.mean(axis=1, keepdims=True)
        variance = ((x - mean) ** 2).mean(axis=1, keepdims=True)
        scaled = (x - mean) / np.sqrt(variance + 1e-5)
        return scaled * self.w[f"{name}.weight"] + self.w[f"{name}.bias"]


def softmax(s):
    exp = np.exp(s - s.max(axis=1, keepdims=True))
    return exp / exp.sum(axis=1, keepdims=True)


def sinusoids(n, d):
    table = np.zeros((n, d))
    for position in range(n):
        for column in range(d):
            angle = position / 10000 ** (2 * (column // 2) / d)
            table[position, column] = math.sin(angle) if column % 2 == 0 else math.cos(angle)
    return table


def turned(x):
    result = np.zeros_like(x)
    for position, vector in enumerate(x):
        for pair in range(len(vector) // 2):
            angle = position / 10000 ** (2 * pair / len(vector))
            a, b = vector[2 * pair], vector[2 * pair + 1]
            result[position, 2 * pair] = a * math.cos(angle) - b * math.sin(angle)
            result[position, 2 * pair + 1] = a * math.sin(angle) + b * math.cos(angle)
    return result
