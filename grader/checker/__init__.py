"""O verificador: viaja nos cadernos, roda no processo isolado e serve ao juiz."""
