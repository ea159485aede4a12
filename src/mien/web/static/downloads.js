// Files that the page gives to the person: texts, pictures, what stands under an address.

/** Give a text to the person as a file. */
export function save(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  saveAddress(name, address);
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

/** Give a canvas to the person as a picture. */
export function saveCanvas(name, canvas) {
  canvas.toBlob((blob) => {
    const address = URL.createObjectURL(blob);
    saveAddress(name, address);
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }, "image/png");
}

/** Give what stands under an address to the person as a file. */
export function saveAddress(name, address) {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}
