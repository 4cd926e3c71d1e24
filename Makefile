# Dois comandos bastam: `make demo` e `make test`. Cada um prepara o próprio ambiente.

PYTHON ?= python3
BIN := .venv/bin
SITE := _build/site/_build/html
CLASS := _build/turma
SLUG := dropout
NOTEBOOKS := $(patsubst solutions/%/exercise.toml,exercises/%.stamp,$(wildcard solutions/*/exercise.toml))

.PHONY: demo test lint book release sample fuzz quality bench lighthouse lock clean

demo: book release sample
	@echo
	@echo "Site do curso:        $(CURDIR)/$(SITE)/index.html"
	@echo "Caderno do exercício: $(CURDIR)/exercises/$(SLUG)/$(SLUG).ipynb"
	@echo "Devolutivas:          $(CURDIR)/$(CLASS)/feedback/"
	@echo "Relatório da turma:   $(CURDIR)/$(CLASS)/reports/$(SLUG).html"

# Tudo o que é conferido antes de publicar.
# Os testes do site o constroem; depois, os cadernos que ele oferece repetem em uma pasta vazia as saídas publicadas.
test: .venv/pronto
	$(MAKE) --jobs=2 lint release
	$(BIN)/pytest -n 2 --dist loadfile
	rm -rf _build/cadernos && mkdir -p _build/cadernos && cp $(SITE)/_sources/book/*.ipynb _build/cadernos
	$(BIN)/pytest -n 2 --dist loadscope --nbval --nbval-cell-timeout=120 -p no:cacheprovider _build/cadernos
	$(BIN)/pytest -n 2 --dist loadscope --nbval-lax --nbval-cell-timeout=120 -p no:cacheprovider exercises

lint: .venv/pronto
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# O ambiente, do arquivo de versões travadas.
.venv/pronto: requirements.lock pyproject.toml
	@echo "Preparando o ambiente em .venv (só na primeira vez; baixa cerca de 600 MB)…"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "É preciso Python 3.11 ou mais novo; diga qual com: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || \
		{ echo "Falta o módulo venv. No Debian e no Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	$(BIN)/pip install --disable-pip-version-check --progress-bar off -r requirements.lock
	$(BIN)/pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# O site, com avisos tratados como erros; só o que mudou é refeito.
book: .venv/pronto release
	$(BIN)/jupyter-book build . --path-output _build/site -W -n --keep-going

# Os cadernos dos estudantes: solutions/ → exercises/.
release: $(NOTEBOOKS)
exercises/%.stamp: solutions/%/*.py solutions/%/exercise.toml grader/checker/runtime.py grader/checker/panel.py grader/release.py \
		grader/cells.py grader/exercise.py _config.yml | .venv/pronto
	$(BIN)/grader release $*
	@touch $@

# Uma turma de exemplo, do recolhimento ao relatório.
sample: .venv/pronto release
	@test -d $(CLASS) || $(BIN)/grader init $(CLASS)
	$(BIN)/python -m tests.sample_class _build/entregas
	$(BIN)/grader collect $(CLASS) $(SLUG) _build/entregas
	$(BIN)/grader autograde $(CLASS) $(SLUG)
	$(BIN)/grader feedback $(CLASS) $(SLUG)
	$(BIN)/grader report $(CLASS) $(SLUG)

# Suítes longas, fora de `make test`: mil cadernos mutantes; a qualidade das verificações, com a matriz de confusão;
# as notas do Lighthouse (pede o Node.js); comparação com o nbgrader e o otter-grader.
fuzz: .venv/pronto
	FUZZ=1000 $(BIN)/pytest tests/test_fuzz.py

quality: .venv/pronto
	$(BIN)/python -m tests.mutants
	QUALITY=200 $(BIN)/pytest -n 2 --dist load tests/test_quality.py

lighthouse: book
	$(BIN)/python -m tests.lighthouse

bench: .venv/pronto release
	$(BIN)/python -m tests.bench

# Refaz requirements.lock a partir de pyproject.toml; o torch fica sem o sufixo da variante de CPU.
lock:
	$(PYTHON) -m venv _build/lock
	_build/lock/bin/pip install --quiet pip-tools
	_build/lock/bin/pip-compile --quiet --all-extras --allow-unsafe --strip-extras --no-annotate --no-header \
		--no-emit-options --upgrade -o requirements.lock pyproject.toml
	sed -i 's/^\(torch==[0-9.]*\)+cpu/\1/' requirements.lock

clean:
	rm -rf _build exercises/*.stamp
