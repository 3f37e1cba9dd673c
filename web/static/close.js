// The platform that opened this page may close it (LTI Dynamic Registration 1.0, 3.6); nothing in
// it is secret.
for (const other of [window.opener, window.parent])
  if (other && other !== window) other.postMessage({subject: "org.imsglobal.lti.close"}, "*");
