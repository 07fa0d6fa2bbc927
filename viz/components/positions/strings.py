"""Every English text of the positions component. Knows no language but English.

What the views say comes with their numbers. ``{name}`` places are filled in the browser.
"""

from viz.marked import N_

STRINGS: dict[str, str] = {
    # Translators: the language tag of this catalog (BCP 47), such as zh-Hans
    "lang": N_("en"),
    "component": N_("Positions"),
    "views": N_("encodings"),
    "controls": N_("settings"),
    "reset": N_("reset"),
    "reset.help": N_("Set everything in this view back"),
    "loading": N_("loading"),
    "failed": N_("The numbers could not be loaded."),
    "retry": N_("try again"),
    "gone": N_("The server no longer keeps this recording."),
    "reload": N_("reload the page"),
    "chart.failed": N_("The drawing library could not be loaded."),
    "export": N_("export"),
    "export.csv": N_("numbers, CSV"),
    "export.png": N_("picture, PNG"),
    "export.svg": N_("picture, SVG"),
    "formula": N_("formula"),
    "no_view": N_("There is no view “{name}”; the one of the open model is shown."),
    "source": N_("source: {source}"),
    "list.help": N_("numbers, separated by commas"),
    "chart.aria": N_("{title}: curves over {x}"),
    "map.aria": N_("{title}: {rows} × {columns}. Arrow keys move the cell."),
    "map.picks": N_("{title}: {rows} × {columns}. Arrow keys move, Enter chooses a column."),
    "map.cell": N_("{row}, {column}: {value}"),
    "map.empty": N_("{row}, {column}: nothing here"),
    "map.pooled": N_("{row}, {column}: farthest from 0 is {value}"),
    "map.place": N_("{title} {n}"),
    "map.places": N_("{title} {from}–{to}"),
    "map.hatched": N_("nothing there"),
    "map.each": N_("each cell stands for {rows} × {columns}; the value farthest from 0 is shown"),
}
