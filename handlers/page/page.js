// The page, put together. Each part looks after the elements that it shows.

import "./copy.js";
import "./guide.js";
import "./editor.js";
import "./inspect.js";
import "./mint.js";
import "./undo.js";
import "./volume.js";
import { element, setText } from "./dom.js";

setText(element("host"), location.host);
element("in-the-clear").hidden = isSecureContext; // true for loopback, even without TLS
