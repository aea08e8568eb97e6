using Spectre.Console;

namespace BatchViz.Cli;

/// <summary>Long work of commands, with a bar on standard error.</summary>
internal static class Shown
{
    public static Task<T> WithProgress<T>(IAnsiConsole console, string what, Func<IProgress<double>, T> work) => console.Progress()
        .AutoClear(true)
        .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
        .StartAsync(context =>
        {
            var bar = context.AddTask(Markup.Escape(what), maxValue: 1);
            return Task.Run(() => work(new Bar(bar)));
        });

    private sealed class Bar(ProgressTask task) : IProgress<double>
    {
        public void Report(double value) => task.Value = value;
    }
}
