namespace BatchViz.Engine.Cpu.Tiny;

/// <summary>
/// Batches of equal size for all lanes, [examples][…][lanes]: features, what is wanted, and what comes out of each example.
/// </summary>
internal unsafe struct TinyBatch
{
    public int Count;
    public float* Features,
        Labels,
        Signs,
        Targets,
        Losses,
        Squares;
}

/// <summary>Figures of an update for each lane, zero at first; see <see cref="UpdateStatistics"/>.</summary>
internal unsafe struct LaneFigures
{
    /// <summary>[lanes].</summary>
    public double* Loss,
        ExampleSquares,
        ExampleNorms,
        UpdateSquare,
        WeightSquare;

    /// <summary>[layers][lanes].</summary>
    public double* LayerSquares;

    /// <summary>[lanes].</summary>
    public float* ExampleMin,
        ExampleMax;

    /// <summary>Counts as 32-bit integers, [bins][lanes].</summary>
    public float* Histogram;
}
