import {
  Activity,
  Bot,
  CalendarClock,
  ChartColumn,
  GitBranch,
  Hand,
  Layers,
  LayoutDashboard,
  MailWarning,
  Radio,
  Scale,
  Settings,
  ShoppingBag,
  type LucideIcon,
} from "lucide-react";

/** A page that can be gone to. `keys` are pressed one after the other. */
export interface Place {
  readonly to: string;
  readonly title: string;
  readonly about: string;
  readonly keys: string;
  readonly icon: LucideIcon;
}

/** All pages, in the groups that the navigation shows. */
export const PLACES: readonly { readonly group: string; readonly places: readonly Place[] }[] = [
  {
    group: "Now",
    places: [
      { to: "/", title: "Overview", about: "What needs you now, and how everything is", keys: "g o", icon: LayoutDashboard },
      { to: "/approvals", title: "Approvals", about: "What agents ask before they act", keys: "g a", icon: Hand },
    ],
  },
  {
    group: "Operations",
    places: [
      { to: "/runs", title: "Runs", about: "Every run: find, watch and steer it", keys: "g r", icon: Activity },
      { to: "/schedules", title: "Schedules", about: "What starts by itself, and when next", keys: "g s", icon: CalendarClock },
      { to: "/queues", title: "Queues", about: "What waits for a place", keys: "g q", icon: Layers },
      { to: "/dead-letters", title: "Dead letters", about: "What failed for good and waits for somebody", keys: "g l", icon: MailWarning },
      { to: "/events", title: "Events", about: "Everything that was journaled", keys: "g e", icon: Radio },
    ],
  },
  {
    group: "Build",
    places: [
      { to: "/workflows", title: "Workflows", about: "Read, edit and start workflows", keys: "g w", icon: GitBranch },
      { to: "/agents", title: "Agents", about: "Talk to agents and see how they do", keys: "g t", icon: Bot },
      { to: "/compare", title: "Compare", about: "Two models, one prompt", keys: "g c", icon: Scale },
    ],
  },
  {
    group: "Know",
    places: [
      { to: "/data", title: "Data", about: "Tokens, cost, datasets and search", keys: "g d", icon: ChartColumn },
      { to: "/commerce", title: "Commerce", about: "The shop's panels", keys: "g m", icon: ShoppingBag },
      { to: "/settings", title: "Settings", about: "Sessions, models, policy, plugins and more", keys: "g ,", icon: Settings },
    ],
  },
];

/** The pages of the settings. */
export const SETTINGS = [
  { id: "access", title: "Access", about: "The owner's token, and browsers that are signed in" },
  { id: "models", title: "Models", about: "Providers, what they have, and whether it works" },
  { id: "policy", title: "Policy", about: "What agents may do, and what a change would have meant for last week" },
  { id: "plugins", title: "Plugins", about: "What is installed, what it asks for and how it is" },
  { id: "mcp", title: "MCP servers", about: "Other programs' tools, each approved as it was shown" },
  { id: "sandbox", title: "Sandbox", about: "What holds a program that an agent wrote, as its self-test saw it" },
  { id: "budgets", title: "Keys and budgets", about: "Who may use models through Tutti, and how much" },
  { id: "health", title: "Health", about: "How each part is, and what to do about it" },
  { id: "configuration", title: "Configuration", about: "Every setting, its value, and where it comes from" },
  { id: "voice", title: "Voice", about: "Who writes down what you say in chats, and who reads answers aloud in this browser" },
  { id: "appearance", title: "Appearance", about: "How the console looks in this browser" },
] as const;
