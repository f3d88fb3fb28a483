// A list of which only the rows in view are in the document. Rows have any height: it is estimated, then measured.
// What one looks at stays where it is when rows come in above; who is at the end stays at the end.
import { type ComponentChildren, type RefObject, type VNode } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Heights } from "../lib/heights";

const kOverscan = 600; // pixels above and below the view that are rendered, too
const kEndSpace = 12; // pixels below the last row of a list that stays at its end
const kEndSlack = 60; // pixels from the end that still count as the end

export interface VirtualHandle {
  /** Brings a row into the middle of the view. */
  show(key: string): void;
  toEnd(): void;
}

export function VirtualList<Row extends { key: string }>(props: {
  rows: readonly Row[];
  /** Rows in view are drawn anew when they are another object, or this is another function. */
  render: (row: Row) => ComponentChildren;
  /** A first guess of the height of a row, pixels. */
  estimate: (row: Row) => number;
  /** Begins and stays at the end. */
  end?: boolean;
  /** There are rows after the last one that are not at hand yet: who is there stays where they are when those come. */
  partial?: boolean;
  onStart?: () => void;
  onEnd?: (atEnd: boolean) => void;
  /** Called with the last row in view, whenever that may be another. */
  onSeen?: (row: Row) => void;
  handle?: RefObject<VirtualHandle | null>;
  label: string;
  class?: string;
  role?: "log" | "list";
}) {
  const { rows } = props;
  const view = useRef<HTMLDivElement>(null);
  const measured = useRef(new Map<string, number>()).current;
  const heights = useRef(new Heights()).current;
  const atEnd = useRef(props.end ?? false);
  /** What one looks at: the first row in view, and the next one, should the first go (the line of a day moves up). */
  const anchors = useRef<{ key: string; offset: number }[]>([]);
  /** The position that is drawn already: the event that tells of it brings nothing new. */
  const handled = useRef(-1);
  /** The height of the view that the list was last put in its place for. */
  const placedFor = useRef(0);
  const drawn = useRef({ by: props.render, rows: new Map<Row, VNode>() });
  const [, redraw] = useState(0);

  const indexOf = useMemo(() => {
    heights.reset(rows.length, (i) => measured.get(rows[i]!.key) ?? props.estimate(rows[i]!));
    return new Map(rows.map((row, index) => [row.key, index]));
  }, [rows]);

  /** Where the list has to be for what one looks at to stay where it is. */
  const anchored = () => {
    const anchor = anchors.current.find(({ key }) => indexOf.has(key));
    return anchor && heights.top(indexOf.get(anchor.key)!) + anchor.offset;
  };
  const scrolled = view.current?.scrollTop ?? 0;
  const viewHeight = view.current?.clientHeight || 800;
  // It is drawn from where it is going to be, before it is put there.
  const origin = atEnd.current && !props.partial ? Math.max(0, heights.total - viewHeight) : (anchored() ?? scrolled);
  const first = heights.at(origin - kOverscan);
  const last = heights.at(origin + viewHeight + kOverscan);
  const before = drawn.current.by === props.render ? drawn.current.rows : undefined;
  const draw = (row: Row) => (
    <div key={row.key} data-row={row.key} role={props.role === "log" ? undefined : "listitem"} class="flow-root contain-layout">
      {props.render(row)}
    </div>
  );
  const shown = rows.slice(first, rows.length ? last + 1 : 0).map((row): [Row, VNode] => [row, before?.get(row) ?? draw(row)]);
  drawn.current = { by: props.render, rows: new Map(shown) };

  const place = () => {
    const box = view.current!;
    placedFor.current = box.clientHeight;
    const wanted = atEnd.current && !props.partial ? box.scrollHeight - box.clientHeight : anchored();
    if (wanted === undefined || Math.abs(wanted - box.scrollTop) <= 1) return;
    box.scrollTop = wanted;
    // Its event comes later, when the view may be smaller already: that is nobody who has scrolled away from the end.
    handled.current = box.scrollTop;
  };
  const stay = (end: boolean) => {
    if (end !== atEnd.current) props.onEnd?.(end);
    atEnd.current = end;
  };
  const seesEnd = () => {
    const box = view.current!;
    return box.scrollHeight - box.scrollTop - box.clientHeight < kEndSlack;
  };
  const tellSeen = () => {
    const box = view.current!;
    const row = rows[heights.at(box.scrollTop + box.clientHeight - 1)];
    if (row) props.onSeen?.(row);
  };
  const remember = () => {
    const box = view.current!;
    const index = heights.at(box.scrollTop);
    anchors.current = rows.slice(index, index + 2).map(({ key }, i) => ({ key, offset: box.scrollTop - heights.top(index + i) }));
  };

  useLayoutEffect(() => {
    let changed = false;
    for (const element of view.current!.querySelectorAll<HTMLElement>("[data-row]")) {
      const index = indexOf.get(element.dataset.row!);
      if (index === undefined) continue;
      const height = element.offsetHeight;
      measured.set(element.dataset.row!, height);
      changed = heights.set(index, height) || changed;
    }
    // What is drawn then is put in its place once, with one layout less.
    if (changed) return redraw((n) => n + 1);
    place();
    // Where all fits into the view, no event of scrolling ever tells that one is at the end.
    if (props.end && (!atEnd.current || props.partial)) stay(seesEnd());
    if (view.current!.scrollTop < 2 * view.current!.clientHeight) props.onStart?.();
    tellSeen();
  });
  useEffect(() => {
    const resized = new ResizeObserver(() => redraw((n) => n + 1));
    resized.observe(view.current!);
    return () => resized.disconnect();
  }, []);

  const onScroll = () => {
    const box = view.current;
    if (!box || box.scrollTop === handled.current) return; // the list has gone meanwhile, or was only put in its place
    // The view has become higher or lower, and the position with it: nobody has scrolled, and the list is put in its place next.
    if (box.clientHeight !== placedFor.current) return;
    handled.current = box.scrollTop;
    stay(seesEnd());
    remember();
    redraw((n) => n + 1);
  };
  if (props.handle) {
    props.handle.current = {
      show(key) {
        const index = indexOf.get(key);
        if (index === undefined || !view.current) return; // or the list has gone meanwhile
        stay(false);
        anchors.current = [{ key, offset: -view.current!.clientHeight / 3 }];
        place();
        redraw((n) => n + 1);
      },
      toEnd() {
        stay(true);
        redraw((n) => n + 1);
      },
    };
  }
  return (
    <div ref={view} class={`virtual overflow-x-hidden overflow-y-auto ${props.class ?? ""}`} onScroll={onScroll} tabIndex={0} role={props.role ?? "list"} aria-label={props.label} aria-live="off">
      {props.end && <div style={{ height: `${Math.max(0, viewHeight - heights.total - kEndSpace)}px` }} />}
      <div class="relative" style={{ height: `${heights.total}px` }}>
        {/* Not by a transform: with another one everything in it would be painted again. */}
        <div class="absolute inset-x-0" style={{ top: `${rows.length ? heights.top(first) : 0}px` }}>
          {shown.map(([, drawing]) => drawing)}
        </div>
      </div>
      {props.end && <div class="h-3" />}
    </div>
  );
}
