module tokenmint/load

go 1.26
