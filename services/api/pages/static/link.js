// The token of a one-time link stands behind the #, which browsers send to nobody. It goes into the form, and out of the
// address bar and the history at once. Without this script it is pasted by hand.
'use strict';
const of = (id) => document.getElementById(id);
const [token, row, password, again] = ['token', 'token-row', 'password', 'again'].map(of);
if (location.hash.length > 1) {
  token.value = location.hash.slice(1);
  history.replaceState(null, '', location.pathname);
  row.hidden = true;
  password.focus();
}
const compare = () => again.setCustomValidity(again.value === password.value ? '' : 'These are two different passwords.');
password.addEventListener('input', compare);
again.addEventListener('input', compare);
