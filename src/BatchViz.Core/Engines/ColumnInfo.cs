namespace BatchViz.Core.Engines;

/// <summary>A column of a step record, declared once: see <see cref="RecordLayout"/>.</summary>
/// <param name="Name">What files and the wire call it.</param>
/// <param name="Unit">Empty: none.</param>
public sealed record ColumnInfo(string Name, string Unit, ColumnWords English, ColumnWords Chinese)
{
    /// <summary>It moves on every screen; other columns come in tiles, to those who look at them.</summary>
    public bool Live { get; init; }

    /// <summary>Follows from the experiment alone; of timings that is not so, and records hold none.</summary>
    public bool Deterministic { get; init; } = true;

    /// <summary>
    /// About the step that an update takes, or an average that takes it in: the record of an update that was not made, with which a run
    /// diverges, has none of its own.
    /// </summary>
    public bool OfStep { get; init; }

    /// <summary>
    /// About single examples' gradients: not a number in all records of a network whose examples see one another while training
    /// (<see cref="Specs.NetworkSpec.Separable"/>).
    /// </summary>
    public bool OfExamples { get; init; }
}

/// <summary>What a column is called, and what it holds, in one language.</summary>
/// <param name="Label">A few words, in lower case.</param>
/// <param name="Description">The definition: what is measured, of what, and where it is undefined.</param>
public sealed record ColumnWords(string Label, string Description);
