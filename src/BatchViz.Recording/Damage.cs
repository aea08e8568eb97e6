namespace BatchViz.Recording;

public enum DamageKind
{
    /// <summary>From some byte on it makes no sense.</summary>
    Damaged,

    /// <summary>Its last block is not whole, as of a writer that was interrupted, or that is writing it now.</summary>
    CutShort,

    Missing,

    /// <summary>It is intact, but belongs to another run or recording: files were exchanged.</summary>
    Foreign,
}

/// <summary>What was found wrong with a file: from where on it could not be read, and why.</summary>
public sealed record Damage(string File, long IntactBytes, long LostBytes, string Why, DamageKind Kind = DamageKind.Damaged)
{
    public static Damage MissingFile(string file) => new(file, 0, 0, "it is missing", DamageKind.Missing);

    /// <summary>The part behind the intact blocks that a scanner has read; null where nothing is behind them.</summary>
    internal static Damage? After(string file, Storage.BlockScanner scanner) =>
        scanner.Why is not { } why
            ? null
            : new(file, scanner.End, scanner.Lost, why, scanner.CutShort ? DamageKind.CutShort : DamageKind.Damaged);

    /// <summary>A sentence without its full stop.</summary>
    public override string ToString() =>
        Kind switch
        {
            DamageKind.Missing => $"{File} is missing",
            DamageKind.Foreign => $"{File}: {Why}; nothing of it is used",
            _ when LostBytes == 0 => $"{File}: {Why}",
            _ => $"{File}: {Why} at byte {IntactBytes:#,0}; the {LostBytes:#,0} bytes from there on are lost",
        };
}
