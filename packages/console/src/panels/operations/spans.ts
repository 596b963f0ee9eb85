/** How long something may hold, for people to choose from. */
export const HOLDS_MS = [
  { value: "600000", label: "10 minutes" },
  { value: "3600000", label: "1 hour" },
  { value: "28800000", label: "8 hours" },
  { value: "86400000", label: "1 day" },
  { value: "604800000", label: "7 days" },
  { value: "2592000000", label: "30 days" },
] as const;
