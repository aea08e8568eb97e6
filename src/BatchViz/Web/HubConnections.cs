using BatchViz.Core.Specs;
using Microsoft.AspNetCore.SignalR;
using static BatchViz.Core.Language;

namespace BatchViz.Web;

/// <summary>How many connections to a hub each person has.</summary>
public sealed class HubConnections
{
    public const int MostOfAPerson = 8;

    private readonly Lock gate = new();
    private readonly Dictionary<(string Hub, string Person), int> counts = [];

    public static string Refusal =>
        Tr(
            $"This browser has {MostOfAPerson} windows of this server open already; close one of them.",
            $"此浏览器已打开此服务器的 {MostOfAPerson} 个窗口；请先关闭其中一个。"
        );

    public bool HasRoom(string hub, string person)
    {
        lock (gate)
            return counts.GetValueOrDefault((hub, person)) < MostOfAPerson;
    }

    public bool TryEnter(string hub, string person)
    {
        lock (gate)
        {
            int now = counts.GetValueOrDefault((hub, person));
            if (now >= MostOfAPerson)
                return false;
            counts[(hub, person)] = now + 1;
            return true;
        }
    }

    public void Leave(string hub, string person)
    {
        lock (gate)
        {
            if (--counts[(hub, person)] == 0)
                counts.Remove((hub, person));
        }
    }
}

/// <summary>
/// What holds for all methods of our hubs: a person has few connections, a refusal is one sentence and no failure of the server, and what
/// really fails is logged. (SignalR itself would log every refusal as an error with its stack trace; WebHost turns that off.)
/// </summary>
public sealed class HubGuard(HubConnections connections, ILogger<HubGuard> log) : IHubFilter
{
    private const string Entered = "batchviz-entered";

    public Task OnConnectedAsync(HubLifetimeContext context, Func<HubLifetimeContext, Task> next)
    {
        // Requests beyond the limit have been refused with a sentence already; this is for those that came at the same time.
        if (!connections.TryEnter(HubOf(context.Context), PersonOf(context.Context)))
        {
            context.Context.Abort();
            return Task.CompletedTask;
        }
        context.Context.Items[Entered] = true;
        return next(context);
    }

    public async Task OnDisconnectedAsync(HubLifetimeContext context, Exception? exception, Func<HubLifetimeContext, Exception?, Task> next)
    {
        if (!context.Context.Items.ContainsKey(Entered))
            return;
        connections.Leave(HubOf(context.Context), PersonOf(context.Context));
        await next(context, exception);
    }

    public async ValueTask<object?> InvokeMethodAsync(HubInvocationContext context, Func<HubInvocationContext, ValueTask<object?>> next)
    {
        try
        {
            return await next(context);
        }
        catch (RefusedException e)
        {
            throw new HubException(e.Message);
        }
        catch (Exception e) when (e is not (HubException or OperationCanceledException))
        {
            log.LogError(e, "{Method} of {Hub} failed.", context.HubMethodName, context.Hub.GetType().Name);
            throw;
        }
    }

    /// <summary>
    /// Refuses requests for one more connection, and those that agree on one, while they can still be answered with a sentence.
    /// </summary>
    public static Task Refuse(HttpContext context, RequestDelegate next)
    {
        if (!context.Request.Path.StartsWithSegments("/hubs"))
            return next(context);
        bool begins =
            context.WebSockets.IsWebSocketRequest
            || HttpMethods.IsPost(context.Request.Method) && context.Request.Path.Value!.EndsWith(Negotiate, StringComparison.Ordinal);
        var connections = context.RequestServices.GetRequiredService<HubConnections>();
        return !begins || connections.HasRoom(HubOf(context.Request.Path), Access.PersonOf(context.User))
            ? next(context)
            : Access.Say(context, StatusCodes.Status429TooManyRequests, HubConnections.Refusal);
    }

    private const string Negotiate = "/negotiate";

    private static string HubOf(PathString path) =>
        path.Value!.EndsWith(Negotiate, StringComparison.Ordinal) ? path.Value[..^Negotiate.Length] : path.Value;

    private static string HubOf(HubCallerContext context) => HubOf(context.GetHttpContext()!.Request.Path);

    private static string PersonOf(HubCallerContext context) => Access.PersonOf(context.User!);
}
