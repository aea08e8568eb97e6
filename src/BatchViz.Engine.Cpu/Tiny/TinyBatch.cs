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

/// <summary>Statistics of an update for each lane, zero at first; see <see cref="UpdateStatistics"/>.</summary>
internal unsafe struct LaneStatistics
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

    public LaneGradientSummaries Gradients;

    /// <summary>Lays them one behind the other from a place on; returns where they end.</summary>
    public float* Lay(float* at, int layers, int lanes)
    {
        Loss = Doubles(1);
        ExampleSquares = Doubles(1);
        ExampleNorms = Doubles(1);
        UpdateSquare = Doubles(1);
        WeightSquare = Doubles(1);
        LayerSquares = Doubles(layers);
        ExampleMin = Floats(1);
        ExampleMax = Floats(1);
        return Gradients.Lay(at, lanes);

        double* Doubles(int rows) => (double*)Floats(2 * rows);

        float* Floats(int rows)
        {
            float* piece = at;
            at += rows * lanes;
            return piece;
        }
    }
}
