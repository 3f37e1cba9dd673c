// One box that ticks all of the page; hidden without JavaScript.
const all = document.getElementById('choose-all');
all.hidden = false;
all.addEventListener('change', () => {
  for (const box of document.querySelectorAll('input[name=user]')) box.checked = all.checked;
});
