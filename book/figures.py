"""O estilo de todas as figuras do curso, e o modo de escrever uma medida com a sua dispersão.

As páginas importam daqui; nos cadernos do Colab, que não têm este arquivo, a primeira célula o escreve.
"""

import locale

import matplotlib.pyplot as plt
import numpy as np
from matplotlib_inline.backend_inline import set_matplotlib_formats

# Okabe e Ito (2008), distinguíveis com os daltonismos comuns e em cinza. A ordem é a do ciclo de cores.
BLUE, ORANGE, GREEN, PURPLE, SKY, GOLD = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"
GRAY = "#444444"
SEQUENTIAL, DIVERGING = "cividis", "RdBu"

plt.rcParams.update(
    {
        "figure.figsize": (5.5, 3.4),
        "figure.constrained_layout.use": True,
        "figure.facecolor": "white",
        "font.size": 11,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, PURPLE, SKY, GOLD]),
        "axes.formatter.use_locale": True,
        "legend.frameon": False,
        "lines.linewidth": 1.6,
        "image.cmap": SEQUENTIAL,
        "svg.hashsalt": "curso",  # o mesmo código dá o mesmo arquivo
    }
)
# Vírgula decimal nos eixos, sem depender das línguas instaladas no sistema.
locale._override_localeconv = {"decimal_point": ","}
set_matplotlib_formats("svg", metadata={"Date": None})


def spread(values, digits=3):
    """«média ± desvio padrão amostral» de uma medida repetida, uma por semente."""
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"


def band(axis, x, runs, color, label=None, style="-"):
    """A média das linhas de `runs` (sementes, pontos), com uma faixa de ± um desvio padrão."""
    mean, deviation = np.mean(runs, axis=0), np.std(runs, axis=0, ddof=1)
    axis.plot(x, mean, style, color=color, label=label)
    axis.fill_between(x, mean - deviation, mean + deviation, color=color, alpha=0.2, lw=0)
