using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Statistics;
using BatchViz.Core.Sampling;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Dense;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;
using BatchViz.Engine.Cpu.Surface;

namespace BatchViz.Engine.Cpu;

/// <summary>Members one after another on one workspace; a member's bits do not depend on its siblings.</summary>
internal sealed unsafe class CpuBundle : IBundle
{
    private readonly KernelTable kernels;
    private readonly WeightLayout layout;
    private readonly Model model;
    private readonly Optimizer optimizer;
    private readonly LearningRates rates;
    private readonly Member[] members;
    private readonly int[] indices;
    private readonly Figures figures;
    private bool disposed;

    public CpuBundle(KernelTable kernels, DataSet data, BundleSpec spec)
    {
        this.kernels = kernels;
        Spec = spec;
        layout = WeightLayout.Of(spec.Network);
        Layout = new RecordLayout(layout.Layers.Length);
        optimizer = new Optimizer(kernels, spec.Optimizer, layout.Floats);
        var progress = spec.ProgressOver(data.Train.Count);
        rates = spec.LearningRatesOver(progress);
        indices = new int[progress.LargestBatch];
        figures = new Figures(layout.Layers.Length);
        members = new Member[spec.Seeds.Count];
        try
        {
            model = spec.Network.Model.Kind == ModelKind.Surface
                ? new SurfaceModel(kernels, data)
                : new DenseModel(kernels, data, spec.Network, layout, progress.LargestBatch, optimizer.Plain, spec.MicroBatch);
            for (int m = 0; m < members.Length; m++)
            {
                members[m] = new Member(
                    spec.SamplerOf(m, data.Train.Count),
                    new NativeBuffer(layout.Floats * (1 + optimizer.States)));
                InitialWeights.Fill(spec.Network, data, layout, spec.Seeds[m], members[m].Weights);
                members[m].WeightSquare = kernels.SumSquares(layout.Floats, members[m].Weights);
            }
        }
        catch
        {
            model?.Dispose();
            foreach (var member in members) member?.Memory.Dispose();
            throw;
        }
    }

    public BundleSpec Spec { get; }

    public RecordLayout Layout { get; }

    public int Members => members.Length;

    public long Updates(int member) => members[member].Updates;

    public bool Diverged(int member) => members[member].Diverged;

    public void Advance(int updates, RecordBlock records)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(updates);
        if (records.Members != members.Length || records.Width != Layout.Width || records.Capacity < updates)
            throw new ArgumentException($"the block holds {records.Members} × {records.Capacity} × {records.Width}, not {members.Length} × {updates} × {Layout.Width}", nameof(records));
        for (int m = 0; m < members.Length; m++)
        {
            int rows = 0;
            while (rows < updates && !members[m].Diverged) Update(members[m], records.Row(m, rows++));
            records.Rows[m] = rows;
        }
        GC.KeepAlive(this);
    }

    public IWeights Snapshot(int member)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        var snapshot = new CpuWeights(layout, members[member].Weights);
        GC.KeepAlive(this);
        return snapshot;
    }

    public Keyframe Export(int member)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        var from = members[member];
        var vectors = new float[1 + optimizer.States][];
        for (int v = 0; v < vectors.Length; v++)
        {
            vectors[v] = new float[layout.Parameters];
            layout.Unpack(from.Weights + v * layout.Floats, vectors[v]);
        }
        GC.KeepAlive(this);
        return new Keyframe(from.Updates, vectors[0], vectors[1..], [from.Noise.VarianceAverage, from.Noise.SquareAverage, from.WeightSquare]);
    }

    public void Restore(int member, Keyframe keyframe)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (keyframe.OptimizerState.Length != optimizer.States || keyframe.Weights.Length != layout.Parameters
            || keyframe.OptimizerState.Any(state => state.Length != layout.Parameters) || keyframe.Updates < 0 || keyframe.Statistics is { Length: not 3 })
            throw new ArgumentException("the keyframe is not of this spec", nameof(keyframe));
        var to = members[member];
        layout.Pack(keyframe.Weights, to.Weights);
        for (int s = 0; s < optimizer.States; s++) layout.Pack(keyframe.OptimizerState[s], to.Weights + (s + 1) * layout.Floats);
        to.Updates = keyframe.Updates;
        to.Diverged = false;
        double[]? statistics = keyframe.Statistics;
        to.Noise = statistics is null ? default : new NoiseScale(statistics[0], statistics[1]);
        to.WeightSquare = statistics?[2] ?? kernels.SumSquares(layout.Floats, to.Weights);
        GC.KeepAlive(this);
    }

    public void Dispose()
    {
        disposed = true;
        model.Dispose();
        foreach (var member in members) member.Memory.Dispose();
    }

    private void Update(Member member, Span<float> record)
    {
        long update = member.Updates + 1;
        int count = member.Sampler.Fill(update, indices);
        double rate = rates.At(update);
        optimizer.Begin(update, rate, member.Sampler.GradientWeight(update, count));
        figures.Clear();
        figures.WeightSquare = member.WeightSquare;
        model.Update(member.Weights, member.Weights + layout.Floats, indices.AsSpan(0, count), optimizer, figures);
        member.Diverged = !figures.Finite;
        member.Noise = Records.Write(record, figures, member.Noise, rate, count, layout);
        if (member.Diverged) return;
        if (model.KeepsWeightSquare) member.WeightSquare = figures.NextWeightSquare;
        member.Updates = update;
    }

    /// <param name="memory">Weights, then the optimiser's state vectors, padded.</param>
    private sealed class Member(Sampler sampler, NativeBuffer memory)
    {
        public Sampler Sampler { get; } = sampler;

        public NativeBuffer Memory { get; } = memory;

        public float* Weights => Memory.Pointer;

        public long Updates { get; set; }

        public bool Diverged { get; set; }

        /// <summary>Averages behind the noise scale so far.</summary>
        public NoiseScale Noise { get; set; }

        /// <summary>‖w‖², where the model keeps it.</summary>
        public double WeightSquare { get; set; }
    }
}
