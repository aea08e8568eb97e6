using System.Net;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using BatchViz.Api;
using BatchViz.Live;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using static BatchViz.Core.Language;

namespace BatchViz.Web;

/// <summary>The two secrets of this start, 256 bits each, drawn apart. They live in memory only.</summary>
public sealed class Links
{
    public string Owner { get; } = Draw();

    public string Viewer { get; } = Draw();

    /// <summary>The role that a secret opens, or null. Both are compared, in constant time.</summary>
    public string? RoleOf(string secret)
    {
        byte[] given = SHA256.HashData(Encoding.UTF8.GetBytes(secret));
        bool owner = CryptographicOperations.FixedTimeEquals(given, SHA256.HashData(Encoding.UTF8.GetBytes(Owner)));
        bool viewer = CryptographicOperations.FixedTimeEquals(given, SHA256.HashData(Encoding.UTF8.GetBytes(Viewer)));
        return owner ? Access.Owner
            : viewer ? Access.Viewer
            : null;
    }

    private static string Draw() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
}

/// <summary>Who may do what: roles, the cookie, and the checks of Host and Origin.</summary>
public static class Access
{
    /// <summary>May look.</summary>
    public const string Viewer = "viewer";

    /// <summary>May look and change.</summary>
    public const string Owner = "owner";

    private const int BrowserIdBytes = 16;

    /// <summary>Cookies ignore ports, so two servers on one machine need two names.</summary>
    private static readonly string Instance = DrawId(4);

    public static void AddAccess(this IServiceCollection services)
    {
        // Keys that nobody else has and no disk sees: a new start asks for its new links.
        services.AddDataProtection().UseEphemeralDataProtectionProvider();
        services
            .AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme)
            .AddCookie(options =>
            {
                options.Cookie.Name = $"batchviz-{Instance}";
                options.Cookie.HttpOnly = true;
                options.Cookie.SameSite = SameSiteMode.Lax;
                options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
                options.ExpireTimeSpan = TimeSpan.FromDays(7);
                options.Events.OnRedirectToLogin = context => Refuse(context.HttpContext, StatusCodes.Status401Unauthorized);
                options.Events.OnRedirectToAccessDenied = context => Refuse(context.HttpContext, StatusCodes.Status403Forbidden);
            });
        services
            .AddAuthorizationBuilder()
            .AddPolicy(Viewer, policy => policy.RequireRole(Viewer, Owner))
            .AddPolicy(Owner, policy => policy.RequireRole(Owner))
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireRole(Viewer, Owner).Build());
    }

    /// <summary>Without sign-in the server listens on this computer alone, and whoever brings no cookie is its owner.</summary>
    public static void UseAccess(this IApplicationBuilder app, ServeOptions options)
    {
        var links = app.ApplicationServices.GetRequiredService<Links>();
        app.Use((context, next) => Checked(context, options) is var (status, sentence) ? Say(context, status, sentence) : next(context));
        app.UseAuthentication();
        app.Use(
            (context, next) =>
            {
                if (context.User.Identity?.IsAuthenticated != true && WithoutCookie(context, options, links) is { } user)
                    context.User = user;
                return next(context);
            }
        );
        app.UseAuthorization();
    }

    public static void MapAccess(this IEndpointRouteBuilder app, ServeOptions options)
    {
        app.MapGet(
                "/join/{secret}",
                async (HttpContext context, string secret, Links links) =>
                {
                    if (links.RoleOf(secret) is not { } role)
                    {
                        await Page(
                            context,
                            StatusCodes.Status403Forbidden,
                            Tr("This link is not valid", "此链接无效"),
                            Tr(
                                "It may belong to an earlier start of BatchViz. Ask for the new one.",
                                "它可能属于 BatchViz 之前的一次启动。请索取新链接。"
                            )
                        );
                        return;
                    }
                    await context.SignInAsync(Principal(role, DrawId(16)));
                    context.Response.Headers.CacheControl = "no-store";
                    context.Response.Redirect("/");
                }
            )
            .AllowAnonymous();
        app.MapGet("/api/session", (HttpContext context) => ApiJson.Answer(new Session(RoleOf(context.User), options.SignIn)))
            .RequireAuthorization(Viewer);
    }

    /// <summary>
    /// Who brings no cookie: a program that sends a link's secret as its bearer token, or, without sign-in, whoever sits at this computer.
    /// </summary>
    private static ClaimsPrincipal? WithoutCookie(HttpContext context, ServeOptions options, Links links)
    {
        const string Scheme = "Bearer ";
        string? header = context.Request.Headers.Authorization;
        if (header?.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) == true)
            return links.RoleOf(header[Scheme.Length..].Trim()) is { } role
                ? Principal(role, $"{context.Connection.RemoteIpAddress}")
                : null;
        return options.SignIn ? null : Principal(Owner, BrowserOf(context));
    }

    public static string RoleOf(ClaimsPrincipal user) => user.IsInRole(Owner) ? Owner : Viewer;

    /// <summary>
    /// Tells people apart: by the cookie that a link gave their browser, and without sign-in by one that the page gave it. A program on
    /// this computer that brings no cookie is told apart by its address alone.
    /// </summary>
    public static string PersonOf(ClaimsPrincipal user) => user.FindFirstValue(ClaimTypes.NameIdentifier) ?? "";

    public static Asker AskerOf(HttpContext context) => new(PersonOf(context.User), context.User.IsInRole(Owner));

    private static ClaimsPrincipal Principal(string role, string person) =>
        new(
            new ClaimsIdentity(
                [new Claim(ClaimTypes.Role, role), new Claim(ClaimTypes.NameIdentifier, person)],
                CookieAuthenticationDefaults.AuthenticationScheme
            )
        );

    /// <summary>The id of a browser that has followed no link; one that opens the page for the first time gets its own.</summary>
    private static string BrowserOf(HttpContext context)
    {
        string name = $"batchviz-browser-{Instance}";
        if (context.Request.Cookies[name] is { Length: 2 * BrowserIdBytes } id && id.All(char.IsAsciiHexDigitLower))
            return id;
        if (context.Request.Path != "/")
            return $"{context.Connection.RemoteIpAddress}";
        id = DrawId(BrowserIdBytes);
        context.Response.Cookies.Append(name, id, new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Lax });
        return id;
    }

    private static string DrawId(int bytes) => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(bytes));

    /// <summary>
    /// Why a request is refused before anything looks at it, or null. A foreign Host is how DNS rebinding comes in, a foreign Origin how
    /// other sites' scripts do.
    /// </summary>
    private static (int Status, string Sentence)? Checked(HttpContext context, ServeOptions options)
    {
        // Kestrel lets through what is no address, and whatever builds one from it would fail.
        if (!Uri.TryCreate($"http://{context.Request.Host.Value}/", UriKind.Absolute, out _))
            return (
                StatusCodes.Status400BadRequest,
                Tr(
                    "The request's Host is no name or address with a port from 0 to 65535.",
                    "请求的 Host 不是有效的名称或地址（端口应为 0 到 65535）。"
                )
            );
        if (!options.AllowsHost(context.Request.Host.Host))
            return (StatusCodes.Status403Forbidden, Tr("This server does not answer under that name.", "此服务器不以该名称应答。"));
        string? origin = context.Request.Headers.Origin;
        if (string.IsNullOrEmpty(origin))
            return null;
        bool own =
            Uri.TryCreate(origin, UriKind.Absolute, out var from)
            && (
                from.Authority.Equals(Authority(context.Request), StringComparison.OrdinalIgnoreCase)
                || from.Authority == options.PublicUrl?.Authority
            );
        return own
            ? null
            : (StatusCodes.Status403Forbidden, Tr("Pages of other sites may not use this server.", "其他网站的页面不能使用此服务器。"));
    }

    /// <summary>Host and port, the port left out where it is the scheme's own, as browsers write it in Origin.</summary>
    private static string Authority(HttpRequest request) => request.Host.Port is 80 or 443 ? request.Host.Host : request.Host.Value ?? "";

    private static Task Refuse(HttpContext context, int status)
    {
        if (context.Request.Path == "/" && status == StatusCodes.Status401Unauthorized)
            return Page(
                context,
                status,
                "BatchViz",
                Tr("Open the link that the owner of this server gave you: it lets you in.", "请打开此服务器主持人给你的链接，即可进入。")
            );
        return Say(
            context,
            status,
            status == StatusCodes.Status401Unauthorized
                ? Tr("Open this server's viewer or owner link first.", "请先打开此服务器的观众或主持人链接。")
                : Tr("Only the owner may do this.", "只有主持人可以这样做。")
        );
    }

    public static Task Say(HttpContext context, int status, string sentence)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(sentence);
    }

    private static Task Page(HttpContext context, int status, string title, string sentence)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html; charset=utf-8";
        return context.Response.WriteAsync(
            $"""
            <!DOCTYPE html><html lang="{Tag}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <title>{WebUtility.HtmlEncode(title)}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/css/site.css"></head>
            <body class="door"><main><h1>{WebUtility.HtmlEncode(title)}</h1><p>{WebUtility.HtmlEncode(sentence)}</p></main></body></html>
            """
        );
    }
}
