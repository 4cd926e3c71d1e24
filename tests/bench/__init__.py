"""Banco de desempenho: as mesmas entregas corrigidas por nbgrader, otter-grader e pelo nosso corretor.

`make bench` (ou `python -m tests.bench`) mede tudo em uma só execução, na mesma máquina:

* `corpus`: as entregas, sempre as mesmas;
* `contenders`: o nbgrader, o otter-grader e o nosso `grader autograde`, cada um pela sua linha de comando;
* `floor`: o piso, uma bifurcação nua que roda as mesmas células e sondas, sem isolamento nem juiz;
* `measure`: tempo e memória de uma árvore de processos;
* `tables`: os números no terminal e em `_build/bench.json`.
"""
