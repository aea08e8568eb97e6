using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>Rates and batch sizes that change along a run, against the reference.</summary>
public class ScheduleTests
{
    private static readonly ScheduleSpec[] Schedules =
    [
        new(),
        new()
        {
            Kind = ScheduleKind.Step,
            Factor = 0.5,
            EveryEpochs = 2,
        },
        new()
        {
            Kind = ScheduleKind.Cosine,
            Epochs = 5,
            Floor = 0.1,
            Warmup = new(WarmupKind.Gradual, 1.5, 0.2),
        },
        new() { Warmup = new(WarmupKind.Constant, 3, 0.25) },
    ];

    /// <summary>Every optimiser with every schedule while the batch grows: a step must use this update's rate, batch and weight.</summary>
    [Theory, ClassData(typeof(Paths))]
    public void GrowingBatchesAndChangingRatesAgreeWithTheReference(KernelPath path)
    {
        const int Updates = 60,
            N = 50;
        using var engine = new CpuEngine(path);
        var set = Sets.Plane(N);
        using var data = engine.Load(set);
        var network = Sets.Net(set, LossKind.Logistic, [7], Activation.Tanh);
        var net = new ReferenceNet(network);
        var examples = RandomCase.ExamplesOf(set.Train);
        foreach (var kind in Sets.WithoutSearch)
        {
            foreach (var schedule in Schedules)
            {
                var spec = new BundleSpec(
                    network,
                    new OptimizerSpec
                    {
                        Kind = kind,
                        WeightDecay = 0.02,
                        Epsilon = 1e-2,
                        Trust = 0.1,
                    },
                    new SamplerSpec { Order = SampleOrder.Sequential, Remainder = RemainderPolicy.Reweight },
                    4,
                    0.1,
                    [1]
                )
                {
                    Schedule = schedule,
                    BatchSchedule = new BatchScheduleSpec(2, 1, 20),
                };
                using var bundle = engine.CreateBundle(data, spec);
                var w = bundle.Weights().Doubles();
                var block = bundle.Block(Updates);
                bundle.Advance(Updates, block);

                var optimizer = new ReferenceOptimizer(spec.Optimizer, spec.LearningRate, w.Length, net.Layers);
                var rates = spec.LearningRatesOver(spec.ProgressOver(N));
                int update = 0;
                for (int epoch = 0; update < Updates; epoch++)
                {
                    int size = Math.Min(4 << Math.Min(epoch, 8), 20);
                    for (int at = 0; at < N && update < Updates; at += size)
                    {
                        var batch = examples.Skip(at).Take(size).ToList();
                        double rate = rates.At(++update);
                        optimizer.Step(w, net.Gradient(w, batch).Gradient, (double)batch.Count / size, rate);
                        var record = block.Row(0, update - 1);
                        Assert.Equal((float)rate, record[RecordLayout.LearningRate]);
                        Assert.Equal(batch.Count, record[RecordLayout.BatchSize]);
                    }
                }
                double off = Vectors.Distance(bundle.Weights().Doubles(), w);
                Assert.True(off <= 1e-4 * Vectors.Norm(w), $"{kind}, {schedule}: {off:E1} off");
            }
        }
    }

    [Fact]
    public void UpdatesWithSchedulesTakeNoManagedMemory()
    {
        using var engine = new CpuEngine();
        var set = Sets.Images();
        using var data = engine.Load(set);
        foreach (var schedule in Schedules)
        {
            var spec = Sets.Spec(Sets.Net(set, LossKind.CrossEntropy, [16]), 1, OptimizerKind.AdamW, 0.001) with
            {
                Schedule = schedule,
                BatchSchedule = new BatchScheduleSpec(3, 1),
                MicroBatch = 50,
            };
            using var bundle = engine.CreateBundle(data, spec);
            Assert.Equal(0, bundle.AllocatedByUpdates());
        }
    }
}
