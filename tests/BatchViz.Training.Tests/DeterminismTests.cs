using BatchViz.Telemetry;

namespace BatchViz.Training.Tests;

public class DeterminismTests
{
    private static readonly Lazy<Task<(Dictionary<string, string> Hashes, Dictionary<string, int[]> Records)>> Reference = new(async () =>
    {
        using var experiment = await Labs.Run(Labs.Moons, new() { LanesAtOnce = 1, Landscape = false });
        return (Labs.Hashes(experiment), Labs.Records(experiment));
    });

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    public async Task Lanes_and_landscape_do_not_change_a_bit(int lanes, bool landscape)
    {
        using var experiment = await Labs.Run(Labs.Moons, new() { LanesAtOnce = lanes, Landscape = landscape });
        await AssertSame(experiment);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Holding_stepping_and_continuing_do_not_change_a_bit(int seed)
    {
        var random = new Random(seed);
        using var experiment = Labs.New(Labs.Moons, new() { LanesAtOnce = 2, Held = true });
        experiment.Start();
        for (int i = 0; i < 60 && !experiment.Finished; i++)
        {
            switch (random.Next(4))
            {
                case 0:
                    experiment.Hold();
                    break;
                case 1:
                    experiment.Continue();
                    break;
                default:
                    experiment.StepOnce();
                    break;
            }
            if (random.Next(2) == 0)
                await Task.Delay(random.Next(3));
        }
        experiment.Continue();
        await Labs.Ended(experiment);
        await AssertSame(experiment);
    }

    [Theory]
    [InlineData("8", "1")]
    [InlineData("\"full\"", "2")]
    public async Task A_run_alone_is_the_same_as_among_others(string batchSize, string seed)
    {
        using var experiment = await Labs.Run(
            Labs.Moons.Replace("[1, 8, 32, \"full\"]", $"[{batchSize}]").Replace("\"seeds\": [1, 2]", $"\"seeds\": [{seed}]")
        );
        var run = Assert.Single(experiment.Runs);
        Assert.Equal((await Reference.Value).Hashes[run.Plan.Id], run.Result!.WeightsSha256);
    }

    [Fact]
    public async Task Pacing_by_updates_does_not_change_a_bit()
    {
        using var experiment = await Labs.Run(Labs.Moons.Replace("\"seeds\"", "\"pace\": \"updates\", \"seeds\""));
        await AssertSame(experiment);
    }

    [Fact]
    public async Task Runs_of_a_seed_share_their_starting_point_and_seeds_do_not()
    {
        using var experiment = await Labs.Run(Labs.Moons.Replace("\"epochs\": 6", "\"updates\": 1"));
        var starts = experiment.Runs.ToLookup(
            r => r.Plan.Seed,
            r =>
            {
                var weights = new float[experiment.Plan.Network.ParameterCount];
                r.Snapshots[0].Weights.CopyTo(weights);
                return string.Join(' ', weights);
            }
        );
        Assert.Equal(2, starts.Count);
        Assert.All(starts, seed => Assert.Single(seed.Distinct()));
        Assert.NotEqual(starts[1].First(), starts[2].First());
    }

    private static async Task AssertSame(Experiment experiment)
    {
        var (hashes, records) = await Reference.Value;
        Assert.All(experiment.Runs, r => Assert.Equal(RunState.Finished, r.Log.State));
        Assert.Equal(hashes, Labs.Hashes(experiment));
        Assert.Equal(records, Labs.Records(experiment));
    }
}
