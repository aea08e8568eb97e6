namespace BatchViz.Engine.Cpu.Layered;

/// <summary>What all layers of a pass look at: set before it goes forward.</summary>
internal sealed unsafe class LayerState
{
    /// <summary>All weights, padded.</summary>
    public float* Weights;

    /// <summary>All running statistics, padded; null where there are none.</summary>
    public float* Statistics;

    /// <summary>Where gradients are added up, like the weights.</summary>
    public float* Gradient;

    /// <summary>A direction v in weight space, and where the Hessian's product with it is added up.</summary>
    public float* Direction,
        Product;

    /// <summary>The square of each row's own gradient's norm is added to it [rows]; null: not wanted.</summary>
    public float* ExampleSquares;

    /// <summary>Batch norms use and change statistics, dropout drops.</summary>
    public bool Training;

    /// <summary>The whole batch has so few examples that transposing a weight matrix costs more than it saves.</summary>
    public bool FewRows;

    /// <summary>Of dropout's random stream: seed, update and the first row's place in the batch.</summary>
    public uint Seed;
    public ulong Update;
    public int FirstRow;
}
