// The examples of the guide.

import { curl, gateCurl, introspectingCurl, mintingCurl, ownKeyCurl, signingCurl } from "./command.js";
import { isRequired, whenRequired } from "./credential.js";
import { element, setText } from "./dom.js";
import { address } from "./service.js";

function showMintExample() {
  const body = JSON.stringify({ claims: { sub: "ada", aud: "orders", scope: "read write" }, expires_in: 3600 });
  setText(element("mint-example"), (isRequired() ? mintingCurl : curl)(address("token"), body));
}

showMintExample();
whenRequired(showMintExample);
setText(element("own-key-example"), ownKeyCurl(address("token/verify")));
setText(element("sign-example"), signingCurl(address("token/sign"), '{"typ":"JWT","alg":"HS256"}', '{"sub":"ada","role":"editor"}'));
setText(element("gate-example"), gateCurl(address("auth")));
setText(element("introspect-example"), introspectingCurl(address("introspect")));
