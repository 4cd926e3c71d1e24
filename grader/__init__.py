"""Exercícios com correção automática: gerar, recolher, corrigir em isolamento, diagnosticar e devolver."""

import sys

# O jsonschema, que o nbformat importa, gasta mais de um segundo montando com este pacote opcional uma gramática de
# endereços que caderno nenhum usa. Sem ele, todo comando começa antes.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
