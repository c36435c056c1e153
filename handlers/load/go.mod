module tokenmint/handlers/load

go 1.26
