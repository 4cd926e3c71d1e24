"""Execução de código de estranhos: o que entra são células e sondas, o que sai são dados.

* `sandbox`: as camadas de isolamento do sistema (Landlock, seccomp, limites, namespaces);
* `zygote`: o processo aquecido, sem segredos, de que cada entrega é uma bifurcação;
* `worker`: o que a bifurcação faz: roda as células e as sondas;
* `wire`: os dados que ela devolve, lidos sem confiança;
* `examiner`: o lado de fora: prazos, quedas e novas tentativas.
"""

from grader.isolation.examiner import Examination, Examiner, Limits

__all__ = ["Examination", "Examiner", "Limits"]
