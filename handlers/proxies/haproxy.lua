-- The action lua.gate of haproxy.cfg: it asks tokenmint's gate about a request.
-- HAProxy 2.6 or later.

-- identity reports whether name is like that of a header that only the gate may set:
-- many applications cannot tell token_id or token.id from token-id.
local function identity(name)
	return name:find("^token%W") or name:find("^remote%W")
end

-- gate asks at url. The gate gets the headers listed in names, separated by commas, and
-- no others: it refuses more than 16 KiB of them. If the gate lets the request pass,
-- txn.passed is true, and the request has the gate's headers in place of the client's.
local function gate(txn, url, names)
	local received = txn.http:req_get_headers() -- by name in lower case; values from 0
	for name in pairs(received) do
		if identity(name) then txn.http:req_del_header(name) end
	end

	-- The method must come from HAProxy: a client could send OPTIONS here, and pass
	-- wherever preflight requests do.
	local headers = { ["x-forwarded-method"] = { txn.f:method() } }
	for name in names:gmatch("[^,]+") do
		headers[name] = received[name]
	end
	local response = core.httpclient():get { url = url, headers = headers, timeout = 5000 }

	if response.status == 200 then
		for name, values in pairs(response.headers) do
			if identity(name) and values[0] ~= "" then txn.http:req_set_header(name, values[0]) end
		end
		txn:set_var("txn.passed", true)
	elseif response.status == 401 or response.status == 403 then
		local reply = txn:reply { status = response.status }
		for _, name in ipairs { "content-type", "www-authenticate" } do
			reply:add_header(name, response.headers[name][0])
		end
		reply:set_body(response.body)
		txn:done(reply)
	end
end

core.register_action("gate", { "http-req" }, gate, 2)
