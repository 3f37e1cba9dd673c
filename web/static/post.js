// A form that only carries something on to another site is sent by itself; its button is for who
// runs no scripts.
const form = document.getElementById("post");
if (new URL(form.action).origin !== location.origin) form.submit();
