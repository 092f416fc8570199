// Which pages a list of origins means, worked out another way than the package does: label by label.

interface Place {
  readonly scheme: string;
  readonly labels: readonly string[];
  readonly port: string;
}

export function mayShow(origin: string, patterns: readonly string[]): boolean {
  const page = placeOf(origin);
  return patterns.some((pattern) => {
    const listed = placeOf(pattern);
    return (
      listed.scheme === page.scheme &&
      listed.port === page.port &&
      listed.labels.length === page.labels.length &&
      listed.labels.every((label, index) => label === page.labels[index] || (index === 0 && label === "*"))
    );
  });
}

function placeOf(text: string): Place {
  const [, scheme = "", host = "", port = ""] = /^(https?):\/\/(\[.*\]|[^:]*)(?::(\d+))?$/.exec(text) ?? [];
  return { scheme, labels: host.startsWith("[") ? [host] : host.split("."), port };
}
