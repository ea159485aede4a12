// Where the labels of faces go: clear of every face and of one another, as far as there is room.

const GAP = 6;

/** The area that two boxes [left, top, width, height] share. */
export function shared([left, top, width, height], [otherLeft, otherTop, otherWidth, otherHeight]) {
  const wide = Math.min(left + width, otherLeft + otherWidth) - Math.max(left, otherLeft);
  const tall = Math.min(top + height, otherTop + otherHeight) - Math.max(top, otherTop);
  return wide > 0 && tall > 0 ? wide * tall : 0;
}

/**
 * Find a place for each label.
 *
 * @param boxes [left, top, width, height] of each face
 * @param sizes for each face its labels as [width, height], the fullest first: a shorter one stands in where there is no room
 * @param room [width, height] of the picture
 * @returns for each face {x, y, form}: where its label begins, and which of its sizes it has
 */
export function placeLabels(boxes, sizes, room) {
  const taken = [];
  return boxes.map((box, i) => {
    const best = bestPlace(box, sizes[i], room, [...boxes, ...taken]);
    taken.push([best.x, best.y, ...sizes[i][best.form]]);
    return best;
  });
}

function bestPlace(box, forms, room, others) {
  let best = null;
  for (const [form, size] of forms.entries()) {
    for (const [x, y] of places(box, size)) {
      const spot = inside([x, y], size, room);
      const covered = others.reduce((sum, other) => sum + shared([...spot, ...size], other), 0);
      if (covered === 0) return { x: spot[0], y: spot[1], form };
      if (!best || covered < best.covered) best = { x: spot[0], y: spot[1], form, covered };
    }
  }
  return best;
}

/** Above and below, flush with either side or in the middle; then beside; then a line further away. */
function places([left, top, width, height], [wide, tall]) {
  const across = [left, left + width - wide, left + (width - wide) / 2];
  const down = [top, top + height - tall, top + (height - tall) / 2];
  return [
    ...across.map((x) => [x, top - tall - GAP]),
    ...across.map((x) => [x, top + height + GAP]),
    ...down.map((y) => [left + width + GAP, y]),
    ...down.map((y) => [left - wide - GAP, y]),
    ...across.map((x) => [x, top - 2 * (tall + GAP)]),
    ...across.map((x) => [x, top + height + tall + 2 * GAP]),
  ];
}

function inside([x, y], [wide, tall], [width, height]) {
  return [Math.max(2, Math.min(x, width - wide - 2)), Math.max(2, Math.min(y, height - tall - 2))];
}
