module tokenmint/memory

go 1.26
