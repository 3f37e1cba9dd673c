// The form of a chart: fields that depend on others come and go at once, and numbers between two ends get a slider beside
// them. Without this script the server does the first when the page is updated, and the second is just a number.
const form = document.querySelector('form.chart');

function valueOf(name) {
  const field = form.elements.namedItem(name);
  if (!field) return undefined;
  return field.type === 'checkbox' ? field.checked : field.value;
}

// A field holds a text where the rule may have a number.
const equal = (value, wanted) => value === wanted || (typeof value === 'string' && value === String(wanted));

function showAndHide() {
  for (const row of form.querySelectorAll('[data-unless]'))
    row.hidden = JSON.parse(row.dataset.unless).some(({field, value}) => equal(valueOf(field), value));
}

function addSlider(field) {
  const slider = document.createElement('input');
  slider.type = 'range';
  slider.tabIndex = -1;  // the field beside it is the one for keyboards and readers
  slider.ariaHidden = 'true';
  for (const bound of ['min', 'max', 'step']) slider[bound] = field[bound];
  slider.value = field.value;
  slider.addEventListener('input', () => { field.value = slider.value; });
  field.addEventListener('input', () => { slider.value = field.value; });
  field.after(slider);
}

for (const field of form.querySelectorAll('[data-slider]'))
  if (field.min && field.max && !field.readOnly) addSlider(field);
form.addEventListener('input', showAndHide);
showAndHide();
