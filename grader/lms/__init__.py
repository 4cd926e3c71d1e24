"""Ida e volta ao Moodle e ao Google: recolher entregas, exportar notas."""
