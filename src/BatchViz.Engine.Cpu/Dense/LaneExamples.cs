using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Dense;

/// <summary>
/// The examples of an evaluation set in blocks, one example a lane, with labels or targets [blocks][rows, block]. The last block may
/// be short: its other lanes hold zeros, and whoever sums looks at <see cref="Valid"/>. Any thread may read it.
/// </summary>
internal sealed unsafe class LaneExamples : IDisposable
{
    private readonly KernelTable kernels;
    private readonly DataSplit split;
    private readonly int[]? indices;
    private readonly int truthRows;
    private readonly Arena arena;
    private readonly float* truth;

    public LaneExamples(KernelTable kernels, DataSet data, EvaluationSet set, Ledger? ledger = null)
    {
        arena = new Arena(ledger);
        this.kernels = kernels;
        split = data.Of(set.Split);
        indices = set.Indices;
        Count = indices?.Length ?? split.Count;
        Block = kernels.LaneBlock;
        Blocks = (Count + Block - 1) / Block;
        truthRows = split.Labels is null ? data.Outputs : 1;
        arena.Reserve((long)Blocks * Block * truthRows, MemoryUse.Batch);
        truth = arena.Take();
        for (int e = 0; e < Count && !arena.Predicting; e++)
        {
            int example = Example(e);
            float* to = Truth(e / Block) + e % Block;
            if (split.Labels is { } labels)
                *to = labels[example];
            else
                for (int j = 0; j < truthRows; j++)
                    to[j * Block] = split.Targets![(long)example * truthRows + j];
        }
    }

    public int Count { get; }

    /// <summary>Examples of a block.</summary>
    public int Block { get; }

    public int Blocks { get; }

    /// <summary>Whether the examples have classes, else target values.</summary>
    public bool Labelled => split.Labels is not null;

    /// <summary>Examples in the given block.</summary>
    public int Valid(int block) => Math.Min(Block, Count - block * Block);

    /// <summary>Class numbers [block] or targets [outputs, block].</summary>
    public float* Truth(int block) => truth + (nint)block * Block * truthRows;

    /// <summary>Brings a block's features into lanes.</summary>
    /// <param name="rows">Spare [block, padded inputs].</param>
    /// <param name="features">[inputs, block].</param>
    public void Gather(int block, float* rows, float* features)
    {
        int inputs = split.Inputs,
            stride = Arena.Pad(inputs),
            valid = Valid(block);
        for (int b = 0; b < valid; b++)
            Features.Copy(kernels, split, Example(block * Block + b), rows + (nint)b * stride);
        Transpose.Run(valid, inputs, rows, stride, features, Block);
    }

    public void Dispose() => arena.Dispose();

    private int Example(int place) => indices?[place] ?? place;
}
