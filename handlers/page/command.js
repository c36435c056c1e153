// The page's calls as commands for bash.

// quote makes text one word of a shell command. Within single quotes a shell
// changes nothing, and only the single quote itself cannot stand there.
export function quote(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

// curl posts data. What it holds shows in the list of processes and stays in
// the shell's history.
export function curl(url, data) {
  return [`curl -sS ${quote(url)}`, `-H ${quote("Content-Type: application/json")}`, `--data-binary ${quote(data)}`].join(" \\\n  ");
}

// promptingCurl asks for the key, which then shows nowhere: printf and read are
// part of the shell, and the parentheses forget the variable.
export function promptingCurl(url, token, encoding) {
  const format = `{"Token":"%s","Signing_key":"%s","Key_encoding":"${encoding}"}`;
  return [
    `(printf 'Signing key: ' >&2; read -rs key; echo >&2; printf ${quote(format)}`,
    `${quote(JSON.stringify(token).slice(1, -1))} "$key" |`,
  ].join(" \\\n  ") + `\n  ${curl(url, "@-")})`;
}
