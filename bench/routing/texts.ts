/** A text and the rule of policy.yaml that is meant; "none" where none is. */
export interface Labelled {
  readonly text: string;
  readonly rule: string;
}

/** Written by hand for this benchmark, before anything was measured; none is an example of the policy. */
const FITTING: Readonly<Record<string, readonly string[]>> = {
  weather: ["is it going to snow on Thursday", "weather forecast for Berlin please", "how hot will it get", "should I take a coat"],
  refund: [
    "I'd like to get a refund for the shoes",
    "can you reimburse me",
    "the product is faulty, return my money",
    "refund status of order 1881",
  ],
  delivery: [
    "my order still hasn't come",
    "what's the tracking number of my package",
    "did the courier leave already",
    "delivery status please",
  ],
  password: ["help, I can't sign in", "I need a new password", "it says my password is wrong", "unlock my account"],
  summary: ["sum up this chapter", "what does this long mail say in short", "condense the following text", "key takeaways of the paper"],
  meeting: [
    "set up a call with the sales team",
    "arrange a meeting on Tuesday at noon",
    "reschedule my dentist appointment",
    "what is on my calendar tomorrow",
  ],
  invoice: [
    "where can I download my invoice",
    "the amount on the bill is wrong",
    "you billed me two times",
    "please resend last month's bill",
  ],
  code: [
    "write a regex that matches dates",
    "my program throws an exception, help",
    "create a bash script for backups",
    "explain and fix this TypeScript error",
  ],
  translate: [
    "translate to Dutch: see you soon",
    "how would I say thank you in Polish",
    "put this paragraph into Portuguese",
    "English translation please",
  ],
  restaurant: ["any good Indian food close by", "reserve a table at eight", "where should we have lunch", "best burger in town"],
  none: [
    "who wrote Hamlet",
    "tell me a joke",
    "what is the capital of Peru",
    "play some jazz",
    "how old is the universe",
    "turn on the kitchen lights",
    "buy two train tickets to Milan",
    "what is the meaning of life",
    "sing a song",
    "who won the match yesterday",
    "my dog is sick",
    "how tall is Mount Everest",
    "recommend a book about Rome",
    "what time is it",
    "is my phone compatible with this charger",
    "I am feeling sad",
    "what is your name",
    "set an alarm for seven",
    "how do I bake bread",
    "show me pictures of cats",
  ],
};

const HELD_OUT: Readonly<Record<string, readonly string[]>> = {
  weather: [
    "what's the forecast for Sunday",
    "is it sunny in Lisbon",
    "will there be frost tonight",
    "how windy is it at the coast",
    "chance of rain this evening",
  ],
  refund: [
    "give me back what I paid",
    "I returned the jacket, where is my refund",
    "refund please, wrong size",
    "I want to be reimbursed for the ticket",
    "how long does a refund take",
  ],
  delivery: [
    "when does my package get here",
    "the parcel was supposed to come yesterday",
    "track order 5531",
    "my shipment seems lost",
    "can I follow my delivery online",
  ],
  password: [
    "login fails every time",
    "I don't remember my password any more",
    "how do I change my password",
    "locked out of my account",
    "two factor code not accepted",
  ],
  summary: [
    "can you summarize the meeting notes",
    "short version of this article please",
    "what is this text about in two sentences",
    "boil this report down",
    "summary of the attached document",
  ],
  meeting: [
    "book a meeting room and invite Paul",
    "find a free slot on Wednesday",
    "postpone the meeting with the bank",
    "add an appointment at the hairdresser",
    "do I have meetings this afternoon",
  ],
  invoice: [
    "I did not get an invoice",
    "question about my latest bill",
    "why is my bill so high",
    "please correct the name on the invoice",
    "when do I have to pay the bill",
  ],
  code: [
    "write a function to reverse a string",
    "why does this loop never end",
    "give me a Dockerfile for a Node app",
    "unit tests for this method please",
    "convert this JavaScript to Python",
  ],
  translate: [
    "what is the Japanese word for water",
    "translate my CV into English",
    "how do I say sorry in Greek",
    "can you translate this menu",
    "Spanish translation of this text",
  ],
  restaurant: [
    "I'm hungry, what's nearby",
    "a nice place for a birthday dinner",
    "table for four on Saturday",
    "is there a ramen shop here",
    "suggest a cheap place for lunch",
  ],
  none: [
    "what is the square root of two",
    "why is the sky blue",
    "start the washing machine",
    "who is the president of France",
    "how far is the moon",
    "write me a poem about autumn",
    "what should I name my cat",
    "best exercises for the back",
    "call my mother",
    "how many people live in Tokyo",
    "increase the volume",
    "what is a black hole",
    "delete all my photos",
    "is this mushroom edible",
    "transfer 500 euros to Max",
    "which film won the Oscar",
    "rent a car in Madrid",
    "teach me to play chess",
    "I lost my keys",
    "good morning",
    "how do plants grow",
    "order a taxi",
    "what is inflation",
    "remind me to water the plants",
    "how do I remove a stain",
  ],
};

/** What the curve is fitted on. */
export const fitting: readonly Labelled[] = flat(FITTING);

/** What it is measured on. */
export const heldOut: readonly Labelled[] = flat(HELD_OUT);

function flat(texts: Readonly<Record<string, readonly string[]>>): readonly Labelled[] {
  return Object.entries(texts).flatMap(([rule, list]) => list.map((text) => ({ text, rule })));
}
