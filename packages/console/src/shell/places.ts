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
