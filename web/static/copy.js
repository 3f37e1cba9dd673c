// Copies the text of the element named by data-copy. The button is hidden without JavaScript: the text can be selected.
for (const button of document.querySelectorAll('[data-copy]')) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    const source = document.getElementById(button.dataset.copy);
    const status = document.querySelector('[data-copy-status]');
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      status.textContent = button.dataset.done;
    } catch {
      getSelection().selectAllChildren(source);  // Not a secure origin: at least it is selected.
    }
  });
}
