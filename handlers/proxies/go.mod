module tokenmint/handlers/proxies

go 1.26
