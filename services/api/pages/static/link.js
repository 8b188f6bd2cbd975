// The token of a one-time link stands behind the #, which browsers send to nobody. It goes into the form, and out of the
// address bar and the history at once.
'use strict';
const field = document.getElementById('token');
const token = location.hash.slice(1);
if (field instanceof HTMLInputElement && token !== '') {
  field.value = token;
  history.replaceState(null, '', location.pathname);
  const row = document.getElementById('token-row');
  if (row !== null) row.hidden = true;
  const next = document.getElementById('password');
  if (next !== null) next.focus();
}
