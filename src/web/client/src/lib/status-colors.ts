// The grounds that a status can have. What another client sends is taken for one of them, or the first.

export const kGrounds: Record<string, string> = {
  "#0f6b66": "bg-[#0f6b66]",
  "#a34e1f": "bg-[#a34e1f]",
  "#5b4b9a": "bg-[#5b4b9a]",
  "#1d5f93": "bg-[#1d5f93]",
  "#8a2f5c": "bg-[#8a2f5c]",
  "#39454a": "bg-[#39454a]",
};

export const kFirstGround = Object.keys(kGrounds)[0]!;

export const groundOf = (background: string | undefined): string => kGrounds[background ?? ""] ?? kGrounds[kFirstGround]!;
