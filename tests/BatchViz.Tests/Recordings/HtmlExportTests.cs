using BatchViz.Api;
using BatchViz.Bench.Soak.Targets;
using BatchViz.Recordings;
using BatchViz.Telemetry;
using BatchViz.Training;

namespace BatchViz.Tests.Recordings;

public class HtmlExportTests
{
    [Theory]
    [InlineData(ExperimentState.Running, ExperimentState.Stopped)]
    [InlineData(ExperimentState.Held, ExperimentState.Stopped)]
    [InlineData(ExperimentState.Finished, ExperimentState.Finished)]
    public void What_was_under_way_has_stopped_in_the_file(ExperimentState before, ExperimentState after)
    {
        var run = (RunInfo)ContractSamples.Fill(typeof(RunInfo), 0.1);
        RunState[] states = [RunState.Waiting, RunState.Running, RunState.Finished, RunState.Diverged, RunState.Stopped, RunState.Failed];
        var manifest = ((Manifest)ContractSamples.Fill(typeof(Manifest), 0.1)) with
        {
            State = before,
            Runs = [.. states.Select(state => run with { State = state })],
        };

        var ended = HtmlExport.Ended(manifest);

        Assert.Equal(after, ended.State);
        Assert.Equal(
            [RunState.Stopped, RunState.Stopped, RunState.Finished, RunState.Diverged, RunState.Stopped, RunState.Failed],
            ended.Runs.Select(r => r.State)
        );
        Assert.Equal(["The recording ends here.", "The recording ends here."], ended.Runs.Take(2).Select(r => r.Message));
        Assert.All(ended.Runs.Skip(2), r => Assert.Equal(run.Message, r.Message));
    }
}
