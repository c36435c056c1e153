// Shell commands for bash that send the same requests as the page.

// quote returns text as one word of a shell command. Single quotes make every
// character literal, but cannot contain a single quote.
export function quote(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

// curl returns a command that posts data. The data is visible in the process
// list and in the shell's history.
export function curl(url, data) {
  return [`curl -sS ${quote(url)}`, `-H ${quote("Content-Type: application/json")}`, `--data-binary ${quote(data)}`].join(" \\\n  ");
}

// promptingCurl returns a command that asks for the key and keeps it out of
// both: printf and read are built into the shell, and the variable exists only
// in the subshell that the parentheses start.
export function promptingCurl(url, token, encoding) {
  const format = `{"Token":"%s","Signing_key":"%s","Key_encoding":"${encoding}"}`;
  return [
    `(printf 'Signing key: ' >&2; read -rs key; echo >&2; printf ${quote(format)}`,
    `${quote(JSON.stringify(token).slice(1, -1))} "$key" |`,
  ].join(" \\\n  ") + `\n  ${curl(url, "@-")})`;
}
