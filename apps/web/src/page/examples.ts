// Texts to try, written for this page.

export interface AskExample {
  name: string;
  passage: string;
  question: string;
}

const LIGHTHOUSE = `The lighthouse on Gull Point was built in 1871 by the engineer Marta Lindqvist, after three ships had been lost on the reef in a single winter. It is 38 metres high and stands on a rock that the sea covers twice a day.

For sixty years the lamp burned rape oil, and two keepers took turns to feed it. In 1932 a cable brought electricity from the town of Harrow, six kilometres away. The last keeper, Tom Aldous, retired in 1984, and the light has switched itself on ever since.

Today the tower is a museum. It is open from April to October, and a ticket costs four pounds. Visitors climb 212 steps; on clear days they see as far as the islands of Senn.`;

const BREAD = `Rye bread keeps longer than wheat bread because rye flour binds more water. A loaf of pure rye is heavy and moist, and it is best on its second day, when the crumb has set.

The dough needs a sourdough starter. Its acids keep the enzymes of the flour from turning starch into sugar, which would make the crumb sticky. The starter is fed the evening before and rests for about fourteen hours in a warm kitchen. In the morning it is mixed with flour, water and salt; rye dough is stirred, not kneaded, for it has hardly any gluten.

The bread is baked for an hour, first at 250 degrees and, after fifteen minutes, at 190.`;

export const ASK_EXAMPLES: AskExample[] = [
  {
    name: "Who built the lighthouse?",
    passage: LIGHTHOUSE,
    question: "Who built the lighthouse?",
  },
  { name: "How many steps?", passage: LIGHTHOUSE, question: "How many steps do visitors climb?" },
  {
    name: "Why does rye bread keep?",
    passage: BREAD,
    question: "Why does rye bread keep longer?",
  },
  {
    name: "A question without an answer",
    passage: BREAD,
    question: "Who was the first king of Norway?",
  },
];

export const CLASSIFY_EXAMPLES = [
  "A warm, funny film that I would happily watch again tomorrow.",
  "Two hours of noise, and not one scene that I believed.",
  "The music is lovely, but the story never gets anywhere.",
  "Not bad at all.",
];

export const PAIR_EXAMPLES: [string, string][] = [
  ["A man is playing a guitar on stage.", "Someone plays music for an audience."],
  ["The shop closes at six.", "The shop is open until midnight."],
];

export const TAG_EXAMPLES = [
  "Marta Lindqvist left Stockholm in 1871 to design bridges for the Bristol Railway Company, and married the Irish painter Sean Kelly.",
  "Nordic Cable opened a new office in Nairobi, said Amina Odhiambo of the Daily Nation.",
  "After beating Japan in Osaka, the Brazilian team flew home with Pan Pacific Airlines.",
];
